-- One execution of a job. At most one run of a job is under way.
CREATE TABLE tributary.run (
    run_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    status        text NOT NULL DEFAULT 'scheduled' CHECK (status IN
                    ('scheduled', 'initializing', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    version       integer NOT NULL DEFAULT 1,
    trigger       text NOT NULL DEFAULT 'manual' CHECK (trigger IN ('manual', 'cron', 'dependency', 'event')),
    started_by    name NOT NULL DEFAULT session_user,
    attempt       integer NOT NULL DEFAULT 1,
    next_trigger  text CHECK (next_trigger IN ('manual', 'cron', 'dependency', 'event')),
    expanded      boolean NOT NULL DEFAULT false,
    workers_granted integer,
    stream_granted boolean,
    paced_until   timestamptz,
    idle          interval NOT NULL DEFAULT '0',
    idle_since    timestamptz,
    rows_done     bigint,
    rows_rejected bigint,
    bytes_done    bigint,
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
COMMENT ON COLUMN tributary.run.version IS 'version of the job''s definition that the run began with, or was taken up again with';
COMMENT ON COLUMN tributary.run.trigger IS 'what started it: manual, cron, dependency or event';
COMMENT ON COLUMN tributary.run.started_by IS 'role that started it';
COMMENT ON COLUMN tributary.run.attempt IS 'how often it was taken up: 1, and one more for each sync_retry of the ended run';
COMMENT ON COLUMN tributary.run.next_trigger IS 'another run is to follow this one, started by this';
COMMENT ON COLUMN tributary.run.workers_granted IS 'workers the run may have at present; more leave after their batch';
COMMENT ON COLUMN tributary.run.stream_granted IS 'it is the run''s turn to follow its log';
COMMENT ON COLUMN tributary.run.paced_until IS 'the clock of its pace: what is written by then is all it may write by then';
COMMENT ON COLUMN tributary.run.idle IS 'time that it stood still before it went on: paused, or ended';
COMMENT ON COLUMN tributary.run.idle_since IS 'since when it stands still';
COMMENT ON COLUMN tributary.run.rows_done IS 'rows written, when the run ended';
COMMENT ON COLUMN tributary.run.rows_rejected IS 'rows kept as rejects, when the run ended';
COMMENT ON COLUMN tributary.run.bytes_done IS 'bytes written, when the run ended';
COMMENT ON COLUMN tributary.run.expanded IS 'the units of the run have been listed';
COMMENT ON COLUMN tributary.run.attempts IS 'attempts to list the units that failed in a row';
COMMENT ON COLUMN tributary.run.next_retry_at IS 'time of the next attempt to list the units';
COMMENT ON COLUMN tributary.run.waiting_for IS 'what the run waits for before it can go on';
COMMENT ON COLUMN tributary.run.sqlstate IS 'SQLSTATE of the error';
COMMENT ON COLUMN tributary.run.error IS 'error of the run as a whole';
COMMENT ON COLUMN tributary.run.hint IS 'how to fix the error';
COMMENT ON COLUMN tributary.run.scheduled_at IS 'time of sync_start';
COMMENT ON COLUMN tributary.run.started_at IS 'time the first worker began';
COMMENT ON COLUMN tributary.run.finished_at IS 'time the run ended';
