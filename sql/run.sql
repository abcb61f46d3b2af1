-- One execution of a job. At most one run of a job is under way.
CREATE TABLE tributary.run (
    run_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    status        text NOT NULL DEFAULT 'scheduled' CHECK (status IN
                    ('scheduled', 'initializing', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    expanded      boolean NOT NULL DEFAULT false,
    attempts      integer NOT NULL DEFAULT 0,
    next_retry_at timestamptz,
    waiting_for   text,
    sqlstate      text,
    error         text,
    hint          text,
    scheduled_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at    timestamptz,
    finished_at   timestamptz
);
CREATE UNIQUE INDEX run_active ON tributary.run (job_id) WHERE status IN ('scheduled', 'initializing', 'running', 'paused');
CREATE INDEX run_job ON tributary.run (job_id, run_id);
COMMENT ON TABLE tributary.run IS 'runs of jobs';
COMMENT ON COLUMN tributary.run.run_id IS 'identity of the run';
COMMENT ON COLUMN tributary.run.job_id IS 'the job';
COMMENT ON COLUMN tributary.run.status IS 'scheduled, initializing, running, paused, completed, failed or cancelled';
COMMENT ON COLUMN tributary.run.expanded IS 'the units of the run have been listed';
COMMENT ON COLUMN tributary.run.attempts IS 'attempts to list the units that failed in a row';
COMMENT ON COLUMN tributary.run.next_retry_at IS 'time of the next attempt to list the units';
COMMENT ON COLUMN tributary.run.waiting_for IS 'what the run waits for before it can go on';
COMMENT ON COLUMN tributary.run.sqlstate IS 'SQLSTATE of the error';
COMMENT ON COLUMN tributary.run.error IS 'error of the run as a whole';
COMMENT ON COLUMN tributary.run.hint IS 'what mends the error';
COMMENT ON COLUMN tributary.run.scheduled_at IS 'time of sync_start';
COMMENT ON COLUMN tributary.run.started_at IS 'time the first worker began';
COMMENT ON COLUMN tributary.run.finished_at IS 'time the run ended';
