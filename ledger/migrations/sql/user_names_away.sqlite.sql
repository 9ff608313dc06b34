DROP TRIGGER ledger_user_is_made;

DROP TRIGGER ledger_user_is_renamed;

DROP TRIGGER ledger_user_is_deleted;
