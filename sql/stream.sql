-- The log that a job of mode stream follows: how far it is applied, for all units that are in step. The position is
-- updated in the transaction of the rows it stands for. Not part of a dump.
CREATE TABLE tributary.stream (
    job_id          bigint PRIMARY KEY REFERENCES tributary.job ON DELETE CASCADE,
    run_id          bigint NOT NULL REFERENCES tributary.run,
    position        jsonb,
    generation      bigint NOT NULL DEFAULT 0,
    source_position jsonb,
    transactions    bigint NOT NULL DEFAULT 0,
    rows            bigint NOT NULL DEFAULT 0,
    transactions_per_second double precision,
    rows_per_second double precision,
    last_event_at   timestamptz,
    heartbeat_at    timestamptz,
    in_step_at      timestamptz,
    applied_at      timestamptz,
    worker_pid      integer,
    waiting_for     text,
    source_wait     double precision NOT NULL DEFAULT 0,
    target_wait     double precision NOT NULL DEFAULT 0,
    buffer_fill     real,
    attempts        integer NOT NULL DEFAULT 0,
    sqlstate        text,
    error           text,
    hint            text,
    next_retry_at   timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE tributary.stream IS 'logs that jobs follow, and how far';
COMMENT ON COLUMN tributary.stream.job_id IS 'the job';
COMMENT ON COLUMN tributary.stream.run_id IS 'the run that follows it';
COMMENT ON COLUMN tributary.stream.position IS 'everything up to here is applied, for units of status streaming; null before the first';
COMMENT ON COLUMN tributary.stream.generation IS 'changes whenever a unit joins or leaves: what was read before must not commit';
COMMENT ON COLUMN tributary.stream.source_position IS 'end of the log at the source, as last seen';
COMMENT ON COLUMN tributary.stream.transactions IS 'source transactions applied in this run';
COMMENT ON COLUMN tributary.stream.rows IS 'row changes applied in this run';
COMMENT ON COLUMN tributary.stream.transactions_per_second IS 'rate of late';
COMMENT ON COLUMN tributary.stream.rows_per_second IS 'rate of late';
COMMENT ON COLUMN tributary.stream.last_event_at IS 'time at the source of the last transaction applied';
COMMENT ON COLUMN tributary.stream.heartbeat_at IS 'time the source was last heard';
COMMENT ON COLUMN tributary.stream.in_step_at IS 'time the source was last heard with all of its log applied';
COMMENT ON COLUMN tributary.stream.applied_at IS 'time of the last commit';
COMMENT ON COLUMN tributary.stream.worker_pid IS 'process that last took it up';
COMMENT ON COLUMN tributary.stream.waiting_for IS 'what it waits for';
COMMENT ON COLUMN tributary.stream.source_wait IS 'seconds that PostgreSQL has waited for the source';
COMMENT ON COLUMN tributary.stream.target_wait IS 'seconds that the source has waited for PostgreSQL';
COMMENT ON COLUMN tributary.stream.buffer_fill IS 'part of the buffer between both that was filled of late, 0 to 1';
COMMENT ON COLUMN tributary.stream.attempts IS 'attempts that failed in a row';
COMMENT ON COLUMN tributary.stream.sqlstate IS 'SQLSTATE of the last error';
COMMENT ON COLUMN tributary.stream.error IS 'last error';
COMMENT ON COLUMN tributary.stream.hint IS 'how to fix the error';
COMMENT ON COLUMN tributary.stream.next_retry_at IS 'time of the next attempt';
COMMENT ON COLUMN tributary.stream.updated_at IS 'time of the last change';
