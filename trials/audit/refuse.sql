-- What PostgreSQL's triggers call where something must not be changed, deleted or truncated.
CREATE OR REPLACE FUNCTION dayzero_refuse() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
END $function$;
