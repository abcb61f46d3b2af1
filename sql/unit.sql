-- One table of a job, as the latest run sees it: plan, state, error, retry clock. Not part of a dump.
CREATE TABLE tributary.unit (
    unit_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id         bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    run_id         bigint NOT NULL REFERENCES tributary.run,
    unit           text NOT NULL,
    target_schema  name NOT NULL,
    target_table   text NOT NULL,
    priority       text NOT NULL DEFAULT 'medium' CHECK (priority IN ('high', 'medium', 'low')),
    status         text NOT NULL DEFAULT 'pending' CHECK (status IN
                     ('pending', 'running', 'catching_up', 'streaming', 'completed', 'failed', 'paused', 'cancelled')),
    phase          text CHECK (phase IN ('rows', 'indexes', 'foreign_keys', 'catch_up', 'stream')),
    redrive        boolean NOT NULL DEFAULT false,
    created_oid    oid,
    method         text CHECK (method IN ('direct', 'merge', 'replace', 'swap')),
    stage          text,
    load_oid       oid,
    plan           jsonb,
    before         jsonb,
    frontier       jsonb,
    position       jsonb,
    catch_up_to    jsonb,
    told           jsonb,
    copies         bigint NOT NULL DEFAULT 0,
    planned        boolean NOT NULL DEFAULT false,
    loaded_at      timestamptz,
    touched        boolean NOT NULL DEFAULT false,
    rows_estimated bigint,
    bytes_estimated bigint,
    attempts       integer NOT NULL DEFAULT 0,
    sqlstate       text,
    error          text,
    hint           text,
    next_retry_at  timestamptz,
    started_at     timestamptz,
    finished_at    timestamptz,
    waiting_for    text,
    idle           interval NOT NULL DEFAULT '0',
    idle_since     timestamptz,
    updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (job_id, unit)
);
CREATE INDEX unit_run ON tributary.unit (run_id);
COMMENT ON TABLE tributary.unit IS 'tables of jobs and where they stand';
COMMENT ON COLUMN tributary.unit.unit_id IS 'identity of the unit';
COMMENT ON COLUMN tributary.unit.job_id IS 'the job';
COMMENT ON COLUMN tributary.unit.run_id IS 'the run that last took up the unit';
COMMENT ON COLUMN tributary.unit.unit IS 'source table';
COMMENT ON COLUMN tributary.unit.target_schema IS 'schema of the target table';
COMMENT ON COLUMN tributary.unit.target_table IS 'name of the target table';
COMMENT ON COLUMN tributary.unit.priority IS 'high before medium before low';
COMMENT ON COLUMN tributary.unit.status IS 'pending, running, catching_up, streaming, completed, failed, paused or cancelled';
COMMENT ON COLUMN tributary.unit.phase IS 'rows, indexes or foreign_keys, then catch_up and stream where the log is followed; null before and after';
COMMENT ON COLUMN tributary.unit.redrive IS 'its rejects are to be written again';
COMMENT ON COLUMN tributary.unit.created_oid IS 'the table that a run of the job created; null where the target was there';
COMMENT ON COLUMN tributary.unit.method IS 'direct, merge, replace or swap; null until the unit is prepared';
COMMENT ON COLUMN tributary.unit.stage IS 'staging table of a merge';
COMMENT ON COLUMN tributary.unit.load_oid IS 'the table that rows are copied into: the target or the staging table';
COMMENT ON COLUMN tributary.unit.plan IS 'the table plan of the run; null until the unit is prepared';
COMMENT ON COLUMN tributary.unit.before IS 'the plan of the live table while the unit is copied anew';
COMMENT ON COLUMN tributary.unit.frontier IS 'last key that chunks have been cut up to';
COMMENT ON COLUMN tributary.unit.position IS 'the log is applied to this unit up to here; null where it is in step with the stream';
COMMENT ON COLUMN tributary.unit.catch_up_to IS 'end of the log after the last row was copied: past it the unit is as the source was';
COMMENT ON COLUMN tributary.unit.told IS 'what statements in the log have said of the table since the plan was made';
COMMENT ON COLUMN tributary.unit.copies IS 'copy number, raised whenever the unit is prepared or reset: workers that hold an older number must not commit';
COMMENT ON COLUMN tributary.unit.planned IS 'all chunks have been cut';
COMMENT ON COLUMN tributary.unit.loaded_at IS 'time the target was last complete';
COMMENT ON COLUMN tributary.unit.touched IS 'rows of the target are ours, even where no load was completed';
COMMENT ON COLUMN tributary.unit.rows_estimated IS 'rows at the source by its own estimate';
COMMENT ON COLUMN tributary.unit.bytes_estimated IS 'bytes at the source by its own estimate';
COMMENT ON COLUMN tributary.unit.attempts IS 'attempts that failed in a row';
COMMENT ON COLUMN tributary.unit.sqlstate IS 'SQLSTATE of the last error';
COMMENT ON COLUMN tributary.unit.error IS 'last error';
COMMENT ON COLUMN tributary.unit.hint IS 'how to fix the error';
COMMENT ON COLUMN tributary.unit.next_retry_at IS 'time of the next attempt; null where a person has to act';
COMMENT ON COLUMN tributary.unit.started_at IS 'time the run began with the unit';
COMMENT ON COLUMN tributary.unit.finished_at IS 'time the unit ended';
COMMENT ON COLUMN tributary.unit.waiting_for IS 'why it is slowed while it catches up with the log';
COMMENT ON COLUMN tributary.unit.idle IS 'time that it stood still before it went on: paused, failed or ended';
COMMENT ON COLUMN tributary.unit.idle_since IS 'since when it stands still';
COMMENT ON COLUMN tributary.unit.updated_at IS 'time of the last change of state';
