-- A source row that could not be written, with its reason. It goes with the chunk it came from: a new copy has rejects of its own.
CREATE TABLE tributary.reject (
    reject_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chunk_id    bigint NOT NULL REFERENCES tributary.chunk ON DELETE CASCADE,
    key         jsonb,
    row         jsonb NOT NULL,
    column_name text,
    sqlstate    text NOT NULL,
    message     text NOT NULL,
    hint        text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX reject_chunk ON tributary.reject (chunk_id, reject_id);
COMMENT ON TABLE tributary.reject IS 'source rows that could not be written';
COMMENT ON COLUMN tributary.reject.reject_id IS 'identity of the reject';
COMMENT ON COLUMN tributary.reject.chunk_id IS 'the chunk that the row was read with';
COMMENT ON COLUMN tributary.reject.key IS 'the row''s key at the source; null for a unit without a key';
COMMENT ON COLUMN tributary.reject.row IS 'values of the row as the source writes them';
COMMENT ON COLUMN tributary.reject.column_name IS 'source column whose value was refused; null where the row was';
COMMENT ON COLUMN tributary.reject.sqlstate IS 'SQLSTATE of the refusal';
COMMENT ON COLUMN tributary.reject.message IS 'why';
COMMENT ON COLUMN tributary.reject.hint IS 'how to fix it';
COMMENT ON COLUMN tributary.reject.at IS 'time of the refusal';
