package api

import "github.com/orrerydb/orrery/internal/platform"

func keyspaceView(k *platform.Keyspace) object {
	return object{
		"id": k.ID, "type": "Keyspace", "name": k.Name, "shards": 1, "sharded": false, "replicas": 0, "extra_replicas": 0,
		"created_at": when(k.CreatedAt), "updated_at": when(k.UpdatedAt), "cluster_name": "PS_DEV", "cluster_display_name": "PS-DEV",
		"resizing": false, "resize_in_progress": false, "resize_pending": false, "config_change_in_progress": false, "ready": true, "metal": false,
		"default": k.Position == 0, "imported": false, "vector_pool_allocation": nil, "node_ttl_strategy": "node_ttl_off",
		"replication_durability_constraints": object{"strategy": "available"},
		"vreplication_flags":                 object{"optimize_inserts": false, "allow_no_blob_binlog_row_image": false, "vplayer_batching": false},
		"mysqld_options":                     object{}, "vttablet_options": object{}, "read_only_regions": []object{},
	}
}

func (a *API) keyspaces(c *call) (answer, error) {
	all, err := a.platform.Keyspaces(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return answer{}, err
	}
	return page(c, all, keyspaceView)
}

func (a *API) keyspace(c *call) (answer, error) {
	k, err := a.platform.Keyspace(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("keyspace"))
	if err != nil {
		return answer{}, err
	}
	return ok(keyspaceView(k)), nil
}

func (a *API) createKeyspace(c *call) (answer, error) {
	var body struct {
		Name   string `json:"name"`
		Shards int    `json:"shards"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if body.Shards > 1 {
		return answer{}, &platform.Error{Code: platform.Unprocessable, Message: "sharded keyspaces need a Vitess cluster; this engine has unsharded ones"}
	}
	k, err := a.platform.CreateKeyspace(c.Context(), c.org(), c.database(), c.branch(), body.Name, c.actor)
	if err != nil {
		return answer{}, err
	}
	return created(keyspaceView(k)), nil
}

func (a *API) deleteKeyspace(c *call) (answer, error) {
	return empty(), a.platform.DeleteKeyspace(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("keyspace"), c.actor)
}
