-- The store of version 1, as it was made by the release that brought it (0.1.0). Never changed: see ../test_versions.py.
BEGIN TRANSACTION;
CREATE TABLE receipts (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        operation TEXT NOT NULL,
        owner TEXT NOT NULL,
        urn TEXT NOT NULL,
        claim TEXT NOT NULL,
        account TEXT NOT NULL,
        batch_id TEXT,
        count INTEGER,
        fingerprint TEXT,
        intended_at TEXT NOT NULL,
        outcome TEXT,
        answered_at TEXT,
        http_status INTEGER,
        cancelled_sessions INTEGER,
        ended_sessions INTEGER,
        deleted_sessions INTEGER,
        failed_deletions INTEGER,
        uncertain INTEGER NOT NULL DEFAULT 0,
        note TEXT,
        in_state INTEGER NOT NULL DEFAULT 0
    );
INSERT INTO "receipts" VALUES(1,'run-1','create','acme/shop/dev','urn:pulumi:dev::shop::anchorbrowser:Batch::a','0123456789abcdef01234567','https://api.example.com#5a17:0f0f0f0f','964bb823-e620-4758-ac4d-f9760511f4d8',5,'f1f1','2025-11-22T14:00:00.250000+00:00','done','2025-11-22T14:00:01+00:00',NULL,NULL,NULL,NULL,NULL,0,NULL,0);
INSERT INTO "receipts" VALUES(2,'run-2','cancel','acme/shop/dev','urn:pulumi:dev::shop::anchorbrowser:Batch::a','0123456789abcdef01234567','https://api.example.com#5a17:0f0f0f0f','964bb823-e620-4758-ac4d-f9760511f4d8',5,NULL,'2025-11-22T14:01:00.250000+00:00','done','2025-11-22T14:01:01+00:00',NULL,3,NULL,NULL,NULL,0,NULL,0);
INSERT INTO "receipts" VALUES(3,'run-2','cancel','acme/shop/dev','urn:pulumi:dev::shop::anchorbrowser:Batch::a','0123456789abcdef01234567','https://api.example.com#5a17:0f0f0f0f','964bb823-e620-4758-ac4d-f9760511f4d8',5,NULL,'2025-11-22T14:02:00.250000+00:00','refused','2025-11-22T14:02:01+00:00',409,NULL,NULL,NULL,NULL,0,'HTTP 409: it''s over; really',0);
INSERT INTO "receipts" VALUES(4,'run-2','delete','acme/shop/dev','urn:pulumi:dev::shop::anchorbrowser:Batch::a','0123456789abcdef01234567','https://api.example.com#5a17:0f0f0f0f','964bb823-e620-4758-ac4d-f9760511f4d8',5,NULL,'2025-11-22T14:03:00.250000+00:00','done','2025-11-22T14:03:01+00:00',NULL,NULL,NULL,4,1,1,NULL,0);
INSERT INTO "receipts" VALUES(5,'run-2','end_sessions','acme/shop/dev','urn:pulumi:dev::shop::anchorbrowser:Batch::a','0123456789abcdef01234567','https://api.example.com#5a17:0f0f0f0f','964bb823-e620-4758-ac4d-f9760511f4d8',5,NULL,'2025-11-22T14:04:00.250000+00:00',NULL,NULL,NULL,NULL,2,NULL,NULL,0,NULL,0);
INSERT INTO "receipts" VALUES(6,'run-3','create','acme/shop/dev','urn:pulumi:dev::shop::anchorbrowser:Batch::b','0123456789abcdef01234567','https://api.example.com#5a17:0f0f0f0f',NULL,5,'f2f2','2025-11-22T14:05:00.250000+00:00','unknown','2025-11-22T14:05:01+00:00',502,NULL,NULL,NULL,NULL,0,'HTTP 502: no upstream',0);
INSERT INTO "receipts" VALUES(7,'run-3','create','acme/shop/dev','urn:pulumi:dev::shop::anchorbrowser:Batch::b','0123456789abcdef01234567','https://api.example.com#5a17:0f0f0f0f','0f0e0d0c-0b0a-4908-8706-050403020100',5,'f3f3','2025-11-22T14:06:00.250000+00:00','done','2025-11-22T14:06:01+00:00',NULL,NULL,NULL,NULL,NULL,0,NULL,1);
CREATE INDEX receipts_by_batch ON receipts (batch_id);
CREATE INDEX receipts_by_urn ON receipts (owner, urn, operation);
COMMIT;
PRAGMA user_version = 1;
