from pulumi_anchorbrowser.native.plugin import main

main()
