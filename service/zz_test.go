package service_test
import ("testing";"os";"strings";"fmt";"context";"runtime";"github.com/pyrokit/pyrokit/service";"syscall")
func syscw() (n,r int) { b,_:=os.ReadFile("/proc/self/io"); for _,l:=range strings.Split(string(b),"\n") { fmt.Sscanf(l,"syscw: %d",&n); fmt.Sscanf(l,"syscr: %d",&r) }; return }
func cpu() int64 { var u syscall.Rusage; syscall.Getrusage(0,&u); return u.Utime.Nano()+u.Stime.Nano() }
func BenchmarkZZ(b *testing.B) {
	s := service.New("bench.echo"); s.Method("echo", func(m string) string { return m })
	srv := service.NewServer(); srv.Add(s); srv.Start(); defer srv.Shutdown(context.Background())
	p,_ := service.Connect(srv.URI("bench.echo").String()); defer p.Close()
	for _, n := range []int{1,8,32,256} { b.Run(fmt.Sprint(n), func(b *testing.B) {
		b.SetParallelism(max(1,n/runtime.GOMAXPROCS(0)))
		w0,r0:=syscw(); c0:=cpu()
		b.RunParallel(func(pb *testing.PB){ for pb.Next() { if _,err:=service.Call[string](context.Background(),p,"echo","hello world");err!=nil{b.Fatal(err)} } })
		w,r:=syscw()
		b.ReportMetric(float64(w-w0)/float64(b.N),"writes/op"); b.ReportMetric(float64(r-r0)/float64(b.N),"reads/op")
		b.ReportMetric(float64(cpu()-c0)/float64(b.N),"cpu-ns/op")
	})}
}
