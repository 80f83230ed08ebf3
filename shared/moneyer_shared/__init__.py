"""What two services use today and no service's rules would change."""
