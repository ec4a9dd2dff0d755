package schema

// Keyspace returns the keyspace of that name, or an empty one: a keyspace that
// a snapshot does not have holds nothing.
func (s Snapshot) Keyspace(name string) Keyspace {
	for _, keyspace := range s.Keyspaces {
		if keyspace.Name == name {
			return keyspace
		}
	}
	return Keyspace{Name: name}
}

// Object returns the object of that name, or nil. A dialect's names are unique
// within a keyspace whatever the kind, so the name alone finds it.
func (k Keyspace) Object(name string) *Object {
	for i := range k.Objects {
		if k.Objects[i].Name == name {
			return &k.Objects[i]
		}
	}
	return nil
}

// Names lists the keyspaces of all snapshots, each once, in the order met.
func Names(snapshots ...Snapshot) []string {
	var names []string
	seen := map[string]bool{}
	for _, snapshot := range snapshots {
		for _, keyspace := range snapshot.Keyspaces {
			if seen[keyspace.Name] {
				continue
			}
			seen[keyspace.Name] = true
			names = append(names, keyspace.Name)
		}
	}
	return names
}

// ObjectNames lists the objects of all keyspaces given, each once, in the
// order met.
func ObjectNames(keyspaces ...Keyspace) []string {
	var names []string
	seen := map[string]bool{}
	for _, keyspace := range keyspaces {
		for _, object := range keyspace.Objects {
			if seen[object.Name] {
				continue
			}
			seen[object.Name] = true
			names = append(names, object.Name)
		}
	}
	return names
}

// Equal tells that two snapshots hold the same objects in the same words. The
// order of keyspaces and objects does not count.
func (s Snapshot) Equal(other Snapshot) bool {
	for _, name := range Names(s, other) {
		if !s.Keyspace(name).equal(other.Keyspace(name)) {
			return false
		}
	}
	return true
}

func (k Keyspace) equal(other Keyspace) bool {
	if len(k.Objects) != len(other.Objects) {
		return false
	}
	for _, object := range k.Objects {
		twin := other.Object(object.Name)
		if twin == nil || *twin != object {
			return false
		}
	}
	return true
}
