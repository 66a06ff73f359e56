import * as pulumi from "@pulumi/pulumi";
import { Batch, BatchReady, Status } from "pulumi-anchorbrowser";

const config = new pulumi.Config();
const crawl = new Batch("crawl", {
    count: config.getNumber("count") ?? 3,
    status: config.get<Status>("status"),
    configuration: { session: { tags: ["nightly"], timeout: { maxDuration: 20 } } },
});
const ready = new BatchReady("crawl-ready", { batchId: crawl.batchId, minReady: 2, timeout: "10m" });

export const batchId = crawl.batchId;
export const liveStatus = crawl.liveStatus;
export const readyBrowsers = ready.completedRequests;
export const cancelledSessions = crawl.cancelledSessions;
export const endedSessions = crawl.endedSessions;
export const stillRunning = crawl.stillRunning;
