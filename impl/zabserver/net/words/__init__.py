"""Answers to operators: four-letter words, the counts behind them, and metrics over HTTP."""
