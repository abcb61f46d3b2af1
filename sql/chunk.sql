-- A key range of a unit with its cursor. A chunk is updated by the worker that holds its lock, in the
-- transaction of the batch it counts, and by nobody else while it is running; pause and cancel take it away.
CREATE TABLE tributary.chunk (
    chunk_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id     bigint NOT NULL REFERENCES tributary.unit ON DELETE CASCADE,
    number      integer NOT NULL,
    lower_key   jsonb,
    upper_key   jsonb,
    cursor      jsonb,
    status      text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed')),
    rows_read   bigint NOT NULL DEFAULT 0,
    rows_done   bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    rows_filtered bigint NOT NULL DEFAULT 0,
    adjustments jsonb NOT NULL DEFAULT '{}',
    bytes_done  bigint NOT NULL DEFAULT 0,
    worker_pid  integer,
    waiting_for text,
    source_wait double precision NOT NULL DEFAULT 0,
    target_wait double precision NOT NULL DEFAULT 0,
    buffer_fill real,
    started_at  timestamptz,
    finished_at timestamptz,
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (unit_id, number)
) WITH (fillfactor = 50);
COMMENT ON TABLE tributary.chunk IS 'key ranges of units and their cursors';
COMMENT ON COLUMN tributary.chunk.chunk_id IS 'identity of the chunk';
COMMENT ON COLUMN tributary.chunk.unit_id IS 'the unit';
COMMENT ON COLUMN tributary.chunk.number IS 'position in the key''s order at the source';
COMMENT ON COLUMN tributary.chunk.lower_key IS 'the chunk begins after this key; null is open';
COMMENT ON COLUMN tributary.chunk.upper_key IS 'the chunk ends with this key; null is open';
COMMENT ON COLUMN tributary.chunk.cursor IS 'last key that is committed';
COMMENT ON COLUMN tributary.chunk.status IS 'pending, running or completed';
COMMENT ON COLUMN tributary.chunk.rows_read IS 'rows read from the source';
COMMENT ON COLUMN tributary.chunk.rows_done IS 'rows written';
COMMENT ON COLUMN tributary.chunk.rows_rejected IS 'rows kept as rejects';
COMMENT ON COLUMN tributary.chunk.rows_filtered IS 'rows that a trigger of the target kept out';
COMMENT ON COLUMN tributary.chunk.adjustments IS 'values that policies altered: column, policy, number';
COMMENT ON COLUMN tributary.chunk.bytes_done IS 'bytes committed, as COPY carried them';
COMMENT ON COLUMN tributary.chunk.worker_pid IS 'process that last claimed the chunk';
COMMENT ON COLUMN tributary.chunk.waiting_for IS 'why its worker is slowed at present';
COMMENT ON COLUMN tributary.chunk.source_wait IS 'seconds that PostgreSQL has waited for the source';
COMMENT ON COLUMN tributary.chunk.target_wait IS 'seconds that the source has waited for PostgreSQL';
COMMENT ON COLUMN tributary.chunk.buffer_fill IS 'part of the buffer between both that was filled at the last batch, 0 to 1';
COMMENT ON COLUMN tributary.chunk.started_at IS 'time of the first claim';
COMMENT ON COLUMN tributary.chunk.finished_at IS 'time of completion';
COMMENT ON COLUMN tributary.chunk.updated_at IS 'time of the last batch';
