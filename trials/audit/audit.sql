-- What PostgreSQL's audit triggers do on one table; trials/audit/triggers.py fills in what stands between @ signs
-- and lays one such function for each table. One statement records all rows of a bulk write. An
-- empty (NULL) value is left out of old and new; only changed columns stand in the entry of a change,
-- which is joined from their texts: JSON is made of what changed alone, not of all and then stripped.
CREATE OR REPLACE FUNCTION dayzero_audit_@table@() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  act jsonb := coalesce(nullif(current_setting('dayzero.act', true), ''), '{}')::jsonb;
  act_id text := coalesce(act->>'id', '');
  act_actor bigint := act->>'actor_id';
  act_who text := coalesce(act->>'actor', 'database: ' || session_user);
  act_roles text := coalesce(act->>'roles', '');
  act_cause text := coalesce(act->>'cause', '');
  act_reason text := coalesce(act->>'reason', '');
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO trials_auditentry (@entry@)
    SELECT clock_timestamp(), act_id, act_actor, act_who, act_roles, act_cause, act_reason,
      'create', '@label@', n.@key@, @scopes_new@, '', json_strip_nulls(json_build_object(@new@))
    FROM new_rows n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO trials_auditentry (@entry@)
    SELECT clock_timestamp(), act_id, act_actor, act_who, act_roles, act_cause, act_reason,
      'delete', '@label@', o.@key@, @scopes_old@, json_strip_nulls(json_build_object(@old@)), ''
    FROM old_rows o;
  ELSE
    INSERT INTO trials_auditentry (@entry@)
    SELECT clock_timestamp(), act_id, act_actor, act_who, act_roles, act_cause, act_reason,
      'change', '@label@', n.@key@, @scopes_new@,
      '{' || concat_ws(',', @changed_old@) || '}', '{' || concat_ws(',', @changed_new@) || '}'
    FROM old_rows o JOIN new_rows n ON o.@key@ = n.@key@
    WHERE @changed@;
  END IF;
  RETURN NULL;
END $function$;
