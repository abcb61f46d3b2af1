-- Changes of state, with their reasons. Pruned by the supervisor.
CREATE TABLE tributary.event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    job_id   bigint NOT NULL REFERENCES tributary.job ON DELETE CASCADE,
    run_id   bigint,
    unit     text,
    status   text NOT NULL,
    sqlstate text,
    message  text
);
CREATE INDEX event_job ON tributary.event (job_id, event_id);
COMMENT ON TABLE tributary.event IS 'changes of state';
COMMENT ON COLUMN tributary.event.event_id IS 'identity of the event';
COMMENT ON COLUMN tributary.event.at IS 'time of the change';
COMMENT ON COLUMN tributary.event.job_id IS 'the job';
COMMENT ON COLUMN tributary.event.run_id IS 'the run';
COMMENT ON COLUMN tributary.event.unit IS 'the unit; null for the run as a whole';
COMMENT ON COLUMN tributary.event.status IS 'the new state';
COMMENT ON COLUMN tributary.event.sqlstate IS 'SQLSTATE where the change is an error';
COMMENT ON COLUMN tributary.event.message IS 'why';
