"""The examples of the documents, read and typed as they stand."""
