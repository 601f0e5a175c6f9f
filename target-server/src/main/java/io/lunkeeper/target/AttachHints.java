package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.Configuration.Target;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;

/// What an administrator types next: how Linux and QEMU attach to the first target.
final class AttachHints {
    private AttachHints() {}

    static List<String> of(Configuration configuration, List<InetSocketAddress> addresses) {
        Optional<Target> first =
                configuration.targets().stream().filter(each -> !each.luns().isEmpty()).findFirst();
        if (addresses.isEmpty() || first.isEmpty()) {
            return List.of();
        }
        Target target = first.get();
        String portal = PortalAddress.text(PortalAddress.reachable(addresses.getFirst()));
        String iqn = target.iqn();
        int lun = target.luns().getFirst().lun();
        return List.of(
                "To attach " + iqn + " to this machine, as root:",
                "  iscsiadm -m discovery -t sendtargets -p " + portal,
                "  iscsiadm -m node -T " + iqn + " -p " + portal + " --login",
                "To give it to a virtual machine of QEMU (with its iSCSI driver):",
                "  qemu-system-x86_64 -drive format=raw,if=virtio,file=iscsi://"
                        + portal
                        + "/"
                        + iqn
                        + "/"
                        + lun);
    }
}
