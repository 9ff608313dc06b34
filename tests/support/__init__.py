"""What tests share: databases, servers, processes, strategies and stories."""
