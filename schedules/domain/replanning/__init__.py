"""What a change of dates, a status change or an amendment means for what stands."""
