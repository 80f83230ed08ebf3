"""A released table said in the words others read: as a data contract, a data set, a data package."""
