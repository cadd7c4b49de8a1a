"""Whether it worked: from exposures to a verdict, and what the verdict teaches."""
