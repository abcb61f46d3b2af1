-- All cursors of a job at one moment. One with a name is a savepoint and stays until it is dropped; the others are pruned
-- by the supervisor. Not part of a dump: the rows they stand for are not either.
CREATE TABLE tributary.checkpoint (
    checkpoint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    run_id        bigint NOT NULL,
    savepoint     text CHECK (savepoint <> ''),
    position      jsonb,
    rows_done     bigint NOT NULL,
    created_by    name NOT NULL DEFAULT session_user,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (job_id, savepoint)
);
CREATE INDEX checkpoint_job ON tributary.checkpoint (job_id, checkpoint_id);
COMMENT ON TABLE tributary.checkpoint IS 'cursors of jobs at a moment';
COMMENT ON COLUMN tributary.checkpoint.checkpoint_id IS 'identity of the checkpoint';
COMMENT ON COLUMN tributary.checkpoint.job_id IS 'the job';
COMMENT ON COLUMN tributary.checkpoint.run_id IS 'the run it was taken of';
COMMENT ON COLUMN tributary.checkpoint.savepoint IS 'its name; null for one that was taken by itself';
COMMENT ON COLUMN tributary.checkpoint.position IS 'position of the stream; null where the job follows no log';
COMMENT ON COLUMN tributary.checkpoint.rows_done IS 'rows and row changes written by then';
COMMENT ON COLUMN tributary.checkpoint.created_by IS 'role that took it';
COMMENT ON COLUMN tributary.checkpoint.at IS 'when';

-- The cursor of one unit in a checkpoint.
CREATE TABLE tributary.checkpoint_unit (
    checkpoint_id bigint NOT NULL REFERENCES tributary.checkpoint ON DELETE CASCADE,
    unit          text NOT NULL,
    status        text NOT NULL,
    rows_done     bigint NOT NULL,
    cursor        jsonb,
    plan_hash     text,
    PRIMARY KEY (checkpoint_id, unit)
);
COMMENT ON TABLE tributary.checkpoint_unit IS 'cursors of units in checkpoints';
COMMENT ON COLUMN tributary.checkpoint_unit.checkpoint_id IS 'the checkpoint';
COMMENT ON COLUMN tributary.checkpoint_unit.unit IS 'source table';
COMMENT ON COLUMN tributary.checkpoint_unit.status IS 'status of the unit by then';
COMMENT ON COLUMN tributary.checkpoint_unit.rows_done IS 'rows copied by then';
COMMENT ON COLUMN tributary.checkpoint_unit.cursor IS 'a key while it is copied, a position of the log after that';
COMMENT ON COLUMN tributary.checkpoint_unit.plan_hash IS 'fingerprint of the table''s plan: another one means another shape';
