"""Tables, workbooks and archives."""
