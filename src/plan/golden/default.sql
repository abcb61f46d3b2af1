CREATE SEQUENCE shop."Größe ""x""
_ID_seq";
CREATE TABLE shop."Größe ""x""
" (
    "ID" numeric(20,0) NOT NULL DEFAULT nextval('shop."Größe ""x""
_ID_seq"'::regclass),
    "na
me" varchar(200) NOT NULL DEFAULT E'it''s
"x" \\',
    "back`tick" text NOT NULL DEFAULT 'it''s',
    "emoji€" boolean NOT NULL DEFAULT true,
    bits bit(4) NOT NULL DEFAULT B'0101',
    llllllllllllllllllllllllllllllllllllllllllllllllllllll_dc0719c5 date NOT NULL,
    flags text[] NOT NULL DEFAULT E'{"a","b\\""}',
    "select" timestamp(3) with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    xmin_ bytea NOT NULL DEFAULT E'\\x00ff0000'::bytea,
    price numeric(10,2) NOT NULL DEFAULT -0.50,
    twice numeric(12,2) GENERATED ALWAYS AS (price * 2) STORED,
    low text,
    doc jsonb NOT NULL DEFAULT '{}',
    "order" integer NOT NULL,
    PRIMARY KEY ("ID"),
    CONSTRAINT positive CHECK (price >= 0),
    CONSTRAINT "Größe ""x""
_order_check" CHECK ("order" BETWEEN 1 AND 9),
    CONSTRAINT "Größe ""x""
_back`tick_check" CHECK ("back`tick" IN ('new', 'it''s', E'back\\slash', ''))
);
ALTER SEQUENCE shop."Größe ""x""
_ID_seq" OWNED BY shop."Größe ""x""
"."ID";
COMMENT ON TABLE shop."Größe ""x""
" IS E'a ''table''
\\';
COMMENT ON COLUMN shop."Größe ""x""
"."ID" IS E'it''s "the" key
\\';
CREATE INDEX "Größe ""x""
_by name" ON shop."Größe ""x""
" USING btree ("na
me", "order" DESC);
CREATE UNIQUE INDEX "Größe ""x""
_uniq""ue" ON shop."Größe ""x""
" USING btree (left("na
me", 20));
CREATE UNIQUE INDEX "Größe ""x""
_many" ON shop."Größe ""x""
" USING btree ("order" DESC, twice);
CREATE INDEX "Größe ""x""
_words" ON shop."Größe ""x""
" USING gin (to_tsvector('simple'::regconfig, coalesce("na
me"::text, '') || ' ' || coalesce(low, '')));
COMMENT ON INDEX shop."Größe ""x""
_words" IS 'words''';
ALTER TABLE shop."Größe ""x""
" ADD CONSTRAINT self FOREIGN KEY ("ID") REFERENCES shop."Größe ""x""
" ("ID") ON UPDATE SET DEFAULT ON DELETE CASCADE;
