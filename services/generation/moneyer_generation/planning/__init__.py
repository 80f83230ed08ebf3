"""What can be asked of an engine and a source, checked and chosen before anything is paid."""
