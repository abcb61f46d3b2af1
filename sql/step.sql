-- What is done to a unit's table after its rows: one index or one foreign key. Any worker of the run takes a step whose turn it is.
CREATE TABLE tributary.step (
    step_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id     bigint NOT NULL REFERENCES tributary.unit ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN ('index', 'foreign_key')),
    number      integer NOT NULL,
    name        text NOT NULL,
    referenced_unit text CHECK ((referenced_unit IS NOT NULL) = (kind = 'foreign_key')),
    status      text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'completed')),
    worker_pid  integer,
    started_at  timestamptz,
    finished_at timestamptz,
    UNIQUE (unit_id, kind, number)
);
COMMENT ON TABLE tributary.step IS 'indexes and foreign keys that are made after the rows';
COMMENT ON COLUMN tributary.step.step_id IS 'identity of the step';
COMMENT ON COLUMN tributary.step.unit_id IS 'the unit';
COMMENT ON COLUMN tributary.step.kind IS 'index or foreign_key';
COMMENT ON COLUMN tributary.step.number IS 'position in the unit''s plan, from 0';
COMMENT ON COLUMN tributary.step.name IS 'name of the index or constraint';
COMMENT ON COLUMN tributary.step.referenced_unit IS 'source table that a foreign key refers to';
COMMENT ON COLUMN tributary.step.status IS 'pending or completed';
COMMENT ON COLUMN tributary.step.worker_pid IS 'process that last took the step';
COMMENT ON COLUMN tributary.step.started_at IS 'time it was last taken';
COMMENT ON COLUMN tributary.step.finished_at IS 'time of completion';
