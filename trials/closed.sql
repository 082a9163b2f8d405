-- What PostgreSQL calls before every write to a recorded table while a migration runs: only the migration
-- itself writes, because the triggers that record are lifted. A migration that was killed leaves this
-- in place, and `manage.py migrate` opens the tables again.
CREATE OR REPLACE FUNCTION dayzero_refuse_while_migrating() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  IF coalesce(current_setting('dayzero.migrating', true), '') <> 'on' THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'the database is being migrated: nothing is written until manage.py migrate has ended';
  END IF;
  RETURN NULL;
END $function$;
