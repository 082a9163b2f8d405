-- What PostgreSQL calls before every write to a recorded table while a migration runs: only the migration
-- itself writes, because the triggers that record are lifted. A migration that was killed leaves this
-- in place, and `manage.py migrate` opens the tables again.
CREATE OR REPLACE FUNCTION dayzero_refuse_while_migrating() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  -- Anyone can set the setting; whoever does not own the table is no migration.
  IF coalesce(current_setting('dayzero.migrating', true), '') <> 'on'
    OR NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'the database is being migrated: nothing is written until manage.py migrate has ended';
  END IF;
  RETURN NULL;
END $function$;
