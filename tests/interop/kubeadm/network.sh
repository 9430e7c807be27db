# Run by a pod on each node: a bridge for its pods, and routes to those of others, as nodes' ranges say.
export KUBECONFIG=/etc/kubernetes/kubelet.conf
path='{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'
while true; do
  kubectl get nodes -o "jsonpath=$path" | while read -r name range address; do
    [ -n "$address" ] || continue
    if [ "$name" != "$NODE" ]; then
      ip route replace "$range" via "$address"
    elif [ ! -e /cni/10-bridge.conflist ]; then
      cat > /cni/10-bridge.new <<END
{"cniVersion": "0.4.0", "name": "bridge", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$range"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
      mv /cni/10-bridge.new /cni/10-bridge.conflist
    fi
  done
  sleep 1
done
