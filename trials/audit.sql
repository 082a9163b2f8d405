-- What PostgreSQL's audit triggers do (trials/triggers.py lays them): one statement records all rows
-- of a bulk write, with their old and new values as jsonb, less the hidden columns.
-- Arguments: record, key column, hidden columns, and the columns that name trial, site and participant.
CREATE OR REPLACE FUNCTION dayzero_audit() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  act jsonb := coalesce(nullif(current_setting('dayzero.act', true), ''), '{}')::jsonb;
  hidden text[] := string_to_array(TG_ARGV[2], ',');
  action text := CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'DELETE' THEN 'delete' ELSE 'change' END;
  changed_rows text := CASE TG_OP
    WHEN 'INSERT' THEN 'SELECT to_jsonb(n) AS r, NULL::jsonb AS old, to_jsonb(n) AS new FROM new_rows n'
    WHEN 'DELETE' THEN 'SELECT to_jsonb(o) AS r, to_jsonb(o) AS old, NULL::jsonb AS new FROM old_rows o'
    ELSE $sql$
      SELECT n AS r, c.old, c.new
      FROM (SELECT to_jsonb(o) - $4 AS o FROM old_rows o) AS olds
      JOIN (SELECT to_jsonb(n) - $4 AS n FROM new_rows n) AS news ON o->>$3[2] = n->>$3[2]
      CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(key, o->key) AS old, jsonb_object_agg(key, value) AS new
        FROM jsonb_each(n) WHERE o->key IS DISTINCT FROM value
      ) AS c
      WHERE c.new IS NOT NULL
    $sql$
  END;
BEGIN
  EXECUTE $sql$
    INSERT INTO trials_auditentry (
      at, act, actor_id, actor, roles, cause, reason, action, model, object_id,
      trial_id, site_id, participant_id, old, new
    )
    SELECT clock_timestamp(), coalesce($1->>'id', ''), ($1->>'actor_id')::bigint,
      coalesce($1->>'actor', 'database: ' || session_user), coalesce($1->>'roles', ''),
      coalesce($1->>'cause', ''), coalesce($1->>'reason', ''), $2, $3[1], r->>$3[2],
      (r->>$3[4])::bigint, (r->>$3[5])::bigint, (r->>$3[6])::bigint,
      coalesce((old - $4)::text, ''), coalesce((new - $4)::text, '')
    FROM ($sql$ || changed_rows || $sql$) AS changed
  $sql$ USING act, action, TG_ARGV[0:5]::text[], hidden;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION dayzero_refuse() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
END $function$;
