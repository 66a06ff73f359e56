"""What every binding to Pulumi shares, free of Pulumi's types: settings, services, and each resource as functions."""
