"""DynamoDB access: tables, records and conditional updates."""
