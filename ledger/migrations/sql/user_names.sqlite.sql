CREATE TRIGGER ledger_user_is_made AFTER INSERT ON auth_user
BEGIN
    INSERT INTO ledger_foldedname (username, folded)
    SELECT NEW.username, lower(NEW.username)
    WHERE length(CAST(NEW.username AS BLOB)) = length(NEW.username)
        AND NOT EXISTS (SELECT 1 FROM ledger_foldedname WHERE username = NEW.username);
    -- RAISE, because INSERT OR IGNORE into auth_user would make the constraints of ledger_username ignore the row.
    SELECT RAISE(ABORT, 'a name with letters beyond ASCII must first be folded into ledger_foldedname')
    WHERE NOT EXISTS (SELECT 1 FROM ledger_foldedname WHERE username = NEW.username);
    SELECT RAISE(ABORT, 'the name is taken, perhaps in another case')
    FROM ledger_username JOIN ledger_foldedname USING (folded)
    WHERE username = NEW.username AND user_id <> NEW.id;
    INSERT OR REPLACE INTO ledger_username (user_id, folded)
    SELECT NEW.id, folded FROM ledger_foldedname WHERE username = NEW.username;
END;

CREATE TRIGGER ledger_user_is_renamed AFTER UPDATE OF username ON auth_user
BEGIN
    INSERT INTO ledger_foldedname (username, folded)
    SELECT NEW.username, lower(NEW.username)
    WHERE length(CAST(NEW.username AS BLOB)) = length(NEW.username)
        AND NOT EXISTS (SELECT 1 FROM ledger_foldedname WHERE username = NEW.username);
    SELECT RAISE(ABORT, 'a name with letters beyond ASCII must first be folded into ledger_foldedname')
    WHERE NOT EXISTS (SELECT 1 FROM ledger_foldedname WHERE username = NEW.username);
    SELECT RAISE(ABORT, 'the name is taken, perhaps in another case')
    FROM ledger_username JOIN ledger_foldedname USING (folded)
    WHERE username = NEW.username AND user_id <> NEW.id;
    INSERT OR REPLACE INTO ledger_username (user_id, folded)
    SELECT NEW.id, folded FROM ledger_foldedname WHERE username = NEW.username;
END;

CREATE TRIGGER ledger_user_is_deleted AFTER DELETE ON auth_user
BEGIN
    DELETE FROM ledger_username WHERE user_id = OLD.id;
END;
