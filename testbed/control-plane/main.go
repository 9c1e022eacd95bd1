// Command testbed is a whole Kubernetes control plane in one binary.
//
// The first argument names the component, the rest are that component's own
// flags, so that `testbed kube-apiserver --help` is what `kube-apiserver
// --help` would be. Under a component's own name (a link) it is that component.
// The components are the upstream ones, unchanged:
//
//	kine                      K3s's datastore: the etcd API over SQLite
//	kube-apiserver            \
//	kube-controller-manager    } Kubernetes, of the version in go.mod
//	kube-scheduler            /
//	kubelet                   the real node agent (for a real node only)
//	kubectl                   the command line client
//	kwok                      plays the kubelets of nodes that do not exist
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	// Time zones for CronJobs: the machine may have no zone files.
	_ "time/tzdata"

	kine "github.com/k3s-io/kine/pkg/app"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/cli"
	// Upstream's main packages import these three for their effects: JSON logs
	// and the metrics of client and version.
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
	kwoksignals "sigs.k8s.io/kwok/pkg/utils/signals"
)

// Exit codes, as the components themselves use them.
const (
	exitFailed = 1
	exitUsage  = 2
)

// component runs one program to its end and returns its exit code. os.Args
// already looks as if the program had been started under its own name.
type component func() int

// components are built only when asked for: making a command registers flags
// and metrics in process-wide tables, and two of them would collide.
var components = map[string]component{
	"kine":                    runKine,
	"kube-apiserver":          cobraProgram(apiserver.NewAPIServerCommand),
	"kube-controller-manager": cobraProgram(controllers.NewControllerManagerCommand),
	"kube-scheduler":          cobraProgram(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubelet":                 cobraProgram(newKubelet),
	"kubectl":                 cobraProgram(kubectl.NewDefaultKubectlCommand),
	"kwok":                    runKwok,
}

func main() {
	run, args, err := choose(os.Args)
	if err != nil {
		usage(os.Stderr, err)
		os.Exit(exitUsage)
	}
	os.Args = args
	os.Exit(run())
}

// choose finds the component that the program's name or its first argument
// names, and the arguments that this component shall see.
func choose(args []string) (component, []string, error) {
	if len(args) > 0 {
		if run, known := components[filepath.Base(args[0])]; known {
			return run, args, nil
		}
	}
	if len(args) < 2 {
		return nil, nil, errors.New("no component named")
	}
	run, known := components[args[1]]
	if !known {
		return nil, nil, fmt.Errorf("no component %q in this binary", args[1])
	}
	return run, args[1:], nil
}

func usage(w io.Writer, cause error) {
	names := make([]string, 0, len(components))
	for name := range components {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintf(w, "testbed: %v\nusage: testbed COMPONENT [FLAGS]\ncomponents: %s\n",
		cause, strings.Join(names, ", "))
}

// cobraProgram runs a command the way Kubernetes' own main packages do: with
// its flag normalisation and its log flushing.
func cobraProgram(command func() *cobra.Command) component {
	return func() int { return cli.Run(command()) }
}

// newKubelet gives a plain context: the kubelet installs its own signal
// handler, and a second one in the same process panics.
func newKubelet() *cobra.Command {
	return kubelet.NewKubeletCommand(context.Background())
}

func runKine() int {
	if err := kine.New().Run(os.Args); err != nil {
		return failed("kine", err)
	}
	return 0
}

func runKwok() int {
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	ctx, _ := kwoklog.InitFlags(kwoksignals.SetupSignalContext(), flags)
	ctx, err := kwokconfig.InitFlags(ctx, flags)
	if err != nil {
		return failed("kwok", err)
	}
	command := kwok.NewCommand(ctx)
	// Kubernetes' verflag package already owns --version in this process;
	// with a version of its own, cobra would define the flag a second time.
	command.Version = ""
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		return exitFailed // cobra has printed it
	}
	return 0
}

// failed reports an error that no component has printed.
func failed(name string, err error) int {
	fmt.Fprintf(os.Stderr, "testbed %s: %v\n", name, err)
	return exitFailed
}
