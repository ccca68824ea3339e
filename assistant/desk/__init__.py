"""People at the desk: who owns a conversation, who works there, what they see and do."""
