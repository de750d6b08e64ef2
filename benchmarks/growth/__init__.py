"""What a hit, a miss, a change and warming cost as the site grows."""
