package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import java.util.ArrayList;
import java.util.List;

/// A LUN of a configuration, and where it stands there.
///
/// @param key the path of its key in the file
/// @param target the iSCSI name of its target
record Place(String key, String target, Configuration.Lun spec) {
    /// What tells a LUN from every other, wherever it stands.
    record Name(String target, int lun) {
        @Override
        public String toString() {
            return "LUN " + lun + " of " + target;
        }
    }

    Name name() {
        return new Name(target, spec.lun());
    }

    static List<Place> of(Configuration configuration) {
        List<Place> places = new ArrayList<>();
        List<Configuration.Target> targets = configuration.targets();
        for (int t = 0; t < targets.size(); t++) {
            List<Configuration.Lun> luns = targets.get(t).luns();
            for (int l = 0; l < luns.size(); l++) {
                places.add(
                        new Place(
                                "targets[" + t + "].luns[" + l + "]",
                                targets.get(t).iqn(),
                                luns.get(l)));
            }
        }
        return places;
    }
}
