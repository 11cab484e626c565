//go:build tools

// Package provider names what is built, so that go.mod and go.sum hold all of its modules.
package provider

import _ "github.com/pulumi/pulumi-kubernetes/provider/v4/cmd/pulumi-resource-kubernetes"
