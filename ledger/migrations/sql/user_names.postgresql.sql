CREATE FUNCTION ledger_take_name() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF NEW.username !~ '[^\x01-\x7f]' THEN
        INSERT INTO ledger_foldedname (username, folded) VALUES (NEW.username, lower(NEW.username COLLATE "C"))
        ON CONFLICT DO NOTHING;
    END IF;
    -- A name with letters beyond ASCII that was not folded before gives NULL, which the column refuses.
    INSERT INTO ledger_username (user_id, folded)
    VALUES (NEW.id, (SELECT folded FROM ledger_foldedname WHERE username = NEW.username))
    ON CONFLICT (user_id) DO UPDATE SET folded = EXCLUDED.folded;
    RETURN NULL;
END
$function$;

CREATE FUNCTION ledger_leave_name() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    DELETE FROM ledger_username WHERE user_id = OLD.id;
    RETURN NULL;
END
$function$;

CREATE TRIGGER ledger_user_is_made AFTER INSERT ON auth_user
FOR EACH ROW EXECUTE FUNCTION ledger_take_name();

CREATE TRIGGER ledger_user_is_renamed AFTER UPDATE OF username ON auth_user
FOR EACH ROW EXECUTE FUNCTION ledger_take_name();

CREATE TRIGGER ledger_user_is_deleted AFTER DELETE ON auth_user
FOR EACH ROW EXECUTE FUNCTION ledger_leave_name();
