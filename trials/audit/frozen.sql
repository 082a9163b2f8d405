-- What PostgreSQL's triggers call after every statement on a record of a trial: nothing of a frozen
-- trial is written. The first argument says how a row leads to its trial.
-- Whoever writes holds a lock until the end of the transaction, shared with all who write; a freeze takes it
-- alone. So a freeze waits for writes that began before it, and none of them commits after it.
CREATE OR REPLACE FUNCTION dayzero_refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  frozen boolean;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(@lock@);
  IF NOT EXISTS (SELECT 1 FROM trials_trial WHERE frozen_on IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    EXECUTE 'SELECT EXISTS (SELECT 1 FROM new_rows r ' || TG_ARGV[0] || ')' INTO frozen;
  END IF;
  IF TG_OP <> 'INSERT' AND frozen IS NOT TRUE THEN
    EXECUTE 'SELECT EXISTS (SELECT 1 FROM old_rows r ' || TG_ARGV[0] || ')' INTO frozen;
  END IF;
  IF frozen THEN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[1], ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION dayzero_wait_for_writers() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(@lock@);
  RETURN NEW;
END $function$;
