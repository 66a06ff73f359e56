"""The binding to Pulumi, and the only room that imports it: translate, call the lifecycle, translate back."""
