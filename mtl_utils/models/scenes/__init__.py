"""One network for tasks on a grid: a decoder, heads, enhancement of features and fusion of tasks, each of which is a switch."""
