"""What an EDC does through the API: reports of visits, differences, maps, the change feed."""
