"""The binding to Pulumi's dynamic providers: translate, call `binding`, translate back."""
