DROP TRIGGER ledger_user_is_made ON auth_user;
DROP TRIGGER ledger_user_is_renamed ON auth_user;
DROP TRIGGER ledger_user_is_deleted ON auth_user;
DROP FUNCTION ledger_take_name();
DROP FUNCTION ledger_leave_name();
