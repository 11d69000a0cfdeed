"""What operators ask a server: four-letter words, the counts behind them, and metrics over HTTP."""
