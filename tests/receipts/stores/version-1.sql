-- The store of version 1, as the release that brought it (0.1.0) made it. Never changed: see ../test_versions.py.
CREATE TABLE receipts (
        id INTEGER PRIMARY KEY, run TEXT NOT NULL, operation TEXT NOT NULL,
        owner TEXT NOT NULL, urn TEXT NOT NULL, claim TEXT NOT NULL, account TEXT NOT NULL,
        batch_id TEXT, count INTEGER, intended_at TEXT NOT NULL,
        outcome TEXT, answered_at TEXT, http_status INTEGER,
        cancelled_sessions INTEGER, ended_sessions INTEGER, deleted_sessions INTEGER, failed_deletions INTEGER,
        still_running INTEGER, confirmed_at TEXT, was_lost INTEGER NOT NULL DEFAULT 0, note TEXT
    );
CREATE TABLE sessions (
        receipt INTEGER NOT NULL REFERENCES receipts, session_id TEXT NOT NULL, ending TEXT NOT NULL,
        PRIMARY KEY (receipt, session_id)
    ) WITHOUT ROWID;
CREATE INDEX receipts_by_batch ON receipts (batch_id);
CREATE INDEX creates_by_owner ON receipts (owner, urn) WHERE operation = 'create';
INSERT INTO receipts VALUES (1, 'run-1', 'create', 'acme/shop/dev', 'urn:pulumi:dev::shop::anchorbrowser:Batch::a', '0123456789abcdef01234567', 'https://api.example.com#5a17:0f0f0f0f', '964bb823-e620-4758-ac4d-f9760511f4d8', 5, '2025-11-22T14:00:00.250000+00:00', 'done', '2025-11-22T14:00:01+00:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO receipts VALUES (2, 'run-2', 'cancel', 'acme/shop/dev', 'urn:pulumi:dev::shop::anchorbrowser:Batch::a', '0123456789abcdef01234567', 'https://api.example.com#5a17:0f0f0f0f', '964bb823-e620-4758-ac4d-f9760511f4d8', NULL, '2025-11-22T14:01:00.250000+00:00', 'done', '2025-11-22T14:01:01+00:00', NULL, 3, NULL, NULL, NULL, 0, '2025-11-22T14:01:05Z', 0, NULL);
INSERT INTO receipts VALUES (3, 'run-2', 'cancel', 'acme/shop/dev', 'urn:pulumi:dev::shop::anchorbrowser:Batch::a', '0123456789abcdef01234567', 'https://api.example.com#5a17:0f0f0f0f', '964bb823-e620-4758-ac4d-f9760511f4d8', NULL, '2025-11-22T14:02:00.250000+00:00', 'refused', '2025-11-22T14:02:01+00:00', 409, NULL, NULL, NULL, NULL, NULL, NULL, 0, 'HTTP 409: it''s over; really');
INSERT INTO receipts VALUES (4, 'run-2', 'delete', 'acme/shop/dev', 'urn:pulumi:dev::shop::anchorbrowser:Batch::a', '0123456789abcdef01234567', 'https://api.example.com#5a17:0f0f0f0f', '964bb823-e620-4758-ac4d-f9760511f4d8', NULL, '2025-11-22T14:03:00.250000+00:00', 'done', '2025-11-22T14:03:01+00:00', NULL, NULL, NULL, 4, 1, NULL, NULL, 1, NULL);
INSERT INTO receipts VALUES (5, 'run-2', 'end_sessions', 'acme/shop/dev', 'urn:pulumi:dev::shop::anchorbrowser:Batch::a', '0123456789abcdef01234567', 'https://api.example.com#5a17:0f0f0f0f', '964bb823-e620-4758-ac4d-f9760511f4d8', NULL, '2025-11-22T14:04:00.250000+00:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO receipts VALUES (6, 'run-2', 'create', 'acme/shop/dev', 'urn:pulumi:dev::shop::anchorbrowser:Batch::b', '0123456789abcdef01234567', 'https://api.example.com#5a17:0f0f0f0f', NULL, 5, '2025-11-22T14:05:00.250000+00:00', 'unknown', '2025-11-22T14:05:01+00:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO receipts VALUES (7, 'run-3', 'delete', 'acme/shop/dev', 'urn:pulumi:dev::shop::anchorbrowser:Batch::a', '0123456789abcdef01234567', 'https://api.example.com#5a17:0f0f0f0f', '964bb823-e620-4758-ac4d-f9760511f4d8', NULL, '2025-11-22T14:06:00.250000+00:00', 'gone', '2025-11-22T14:06:01+00:00', 404, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO sessions VALUES (5, 's2', 'ended');
INSERT INTO sessions VALUES (5, 's1', 'ended');
INSERT INTO sessions VALUES (5, 's3', 'lost');
INSERT INTO sessions VALUES (5, 's4', 'gone');
PRAGMA application_id = 1634624360;
PRAGMA user_version = 1;
