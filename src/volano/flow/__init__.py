"""One file is one arrow of the data flow: gather, think, put."""
