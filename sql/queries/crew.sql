-- $1 run: what is held to its pace now: copies of units that commit at once, and all else
SELECT count(*) FILTER (WHERE c.at_once) AS at_once,
       count(*) FILTER (WHERE NOT c.at_once) + (SELECT count(*) FROM (
           SELECT DISTINCT u.status FROM tributary.unit u
           WHERE u.run_id = $1 AND u.status IN ('streaming', 'catching_up')) f) AS common
FROM (SELECT u.method = 'replace' OR u.plan ->> 'key' IS NULL AS at_once
      FROM tributary.unit u JOIN tributary.chunk c USING (unit_id)
      WHERE u.run_id = $1 AND u.status = 'running' AND c.status = 'running') c
