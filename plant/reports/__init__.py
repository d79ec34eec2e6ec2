"""What is printed and handed out: PDF reports and their pictures. Needs the extra `reports`."""
