"""Why an account has its line in the trial balance."""
