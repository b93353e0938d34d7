"""The task table: examples with sparse features, and the labels that are known of each task."""

from cotrain.tasks._table import Features, Reads, TaskKind, TaskTable, file_version

__all__ = ["Features", "Reads", "TaskKind", "TaskTable", "file_version"]
